"""`python -m multimodal_assistant` is `assistant`."""

from .cli import main

if __name__ == "__main__":
    main()
