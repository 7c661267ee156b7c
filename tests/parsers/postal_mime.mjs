// Reads mails in base64, one a line, and answers each with what postal-mime makes of it, as a line of JSON.

import { createInterface } from "node:readline";
import PostalMime from "postal-mime";

const options = { forceRfc822Attachments: true, attachmentEncoding: "base64" };

for await (const line of createInterface({ input: process.stdin })) {
  const mail = await PostalMime.parse(Buffer.from(line, "base64"), options);
  process.stdout.write(JSON.stringify(mail) + "\n");
}
