"""Optional compiled code, self-tested when it is loaded; without it torch does the same, slower."""
