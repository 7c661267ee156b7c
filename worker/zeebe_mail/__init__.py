"""zeebe-mail: a Camunda 8 / Zeebe job worker that does mail."""
