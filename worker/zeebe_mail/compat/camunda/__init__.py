"""Camunda's e-mail connector, as release 8.8 has it: its inputs, responses, headers and error texts."""
