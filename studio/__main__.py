"""`python -m studio <command>`."""

import sys

if __name__ == "__main__":
    try:
        from studio.cli import main  # here, because somebody may stop it while all of that is read

        sys.exit(main())
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)
