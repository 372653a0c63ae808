"""What arrays hold and how they convert it: tiles, formats, planes, conversions."""
