"""Texts from elsewhere, names of ONNX nodes above all, as they may stand in a line."""


def one_line(text: object) -> str:
    """The text with single blanks where it has line breaks and other white space; ONNX allows them in names."""
    return " ".join(str(text).split())
