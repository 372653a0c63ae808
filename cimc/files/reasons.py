"""Why a file cannot be read or written, as the end of a message."""


def reason(error: Exception) -> str:
    """What the system says of it, without number and name of the file; the text of an error that is of no system."""
    said = error.strerror if isinstance(error, OSError) else None
    return (said or str(error)).lower()
