"""What work costs, told by the work itself: the clock on the wall says more about the machine."""

import resource
import time


def spent_s() -> float:
    """Seconds of CPU that this process and its children that have ended have used."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
