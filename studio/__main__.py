"""`python -m studio <command>`."""

import signal
import sys

if __name__ == "__main__":
    try:
        from studio.cli import main  # here, because somebody may stop it while all of that is read
        from studio.terminal import stoppable

        stoppable()
        code = main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is done; torch takes a moment to leave
        sys.exit(code)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)
