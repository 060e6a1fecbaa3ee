"""``python -m gneg``, as ``torchrun -m gneg`` needs it."""

from gneg.cli import main

if __name__ == "__main__":
    main()
