"""How well a memory finds what answers: conversations with questions whose evidence is known, and the measures."""
