"""How many of the turns that answer a question are among the notes a memory finds for it, without any language model.

The data are not ours to ship: LoCoMo (Maharana et al., 2024; CC BY-NC 4.0) and BEAM (CC BY-SA 4.0) are read from files of the user's.
"""
