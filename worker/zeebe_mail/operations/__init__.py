"""Operations: one file for each thing that can be done to mail."""
