"""What people read and modellers click, generated from the models."""
