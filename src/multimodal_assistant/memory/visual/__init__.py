"""What the camera saw: kept views, found again by what is in them. Off by default, and never beyond this machine."""
