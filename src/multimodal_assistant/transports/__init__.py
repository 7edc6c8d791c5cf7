"""How sound comes in and goes out."""
