// Reads calendars in base64, one a line, and answers each with what ical.js makes of its event, as a line of JSON.
// Times are seconds since 1970, reckoned with the time zones that the calendar itself describes.

import { createInterface } from "node:readline";
import ICAL from "ical.js";

const OCCURRENCES = 60;

function person(property) {
  return {
    address: property.getFirstValue(),
    name: property.getParameter("cn") ?? "",
    role: property.getParameter("role") ?? "",
    rsvp: property.getParameter("rsvp") ?? "",
  };
}

function moment(time) {
  if (time === null) return null;
  return time.isDate ? time.toString() : time.toUnixTime();
}

function occurrences(event) {
  const iterator = event.iterator();
  const found = [];
  for (let next = iterator.next(); next && found.length < OCCURRENCES; next = iterator.next()) found.push(moment(next));
  return found;
}

function understood(text) {
  const calendar = new ICAL.Component(ICAL.parse(text));
  const component = calendar.getFirstSubcomponent("vevent");
  const event = new ICAL.Event(component);
  const zones = calendar.getAllSubcomponents("vtimezone").map((zone) => zone.getFirstPropertyValue("tzid"));
  return {
    method: calendar.getFirstPropertyValue("method"),
    uid: event.uid,
    sequence: event.sequence,
    status: component.getFirstPropertyValue("status"),
    summary: event.summary,
    location: event.location,
    description: event.description,
    url: component.getFirstPropertyValue("url"),
    start: moment(component.getFirstPropertyValue("dtstart")),
    end: moment(component.getFirstPropertyValue("dtend")),
    organizer: person(component.getFirstProperty("organizer")),
    attendees: event.attendees.map(person),
    alarms: component.getAllSubcomponents("valarm").map((one) => one.getFirstPropertyValue("trigger").toSeconds()),
    occurrences: event.isRecurring() ? occurrences(event) : [],
    zones,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(understood(Buffer.from(line, "base64").toString("utf-8"))) + "\n");
}
