"""How long the client waits and how often it retries, with the reason for each limit."""

from datetime import timedelta

# AWS gives no figure for the first snapshot copy. Terraform waits as long.
WAIT_TIMEOUT = timedelta(minutes=75)
POLL_INTERVAL = timedelta(seconds=30)
# A timedelta can hold more than time.sleep and a monotonic clock can count.
MAX_WAIT = timedelta(days=365)

# Factors of a pause between polls. Without jitter, the waits of a fleet that start together
# would poll together until they end.
JITTER = (0.8, 1.2)

# Describe is eventually consistent: a response may be empty, or show only an earlier backup. A wait
# believes such responses once they have come for this many seconds, and nothing else has.
CONSISTENCY_PERIOD = 60.0

# A replacement does not stop anything with less than this share of its time left. After its
# deadline, it has this many seconds at most to start the former replication again.
MIN_TIME_LEFT = 0.25
MAX_GRACE = 15 * 60.0
# For this many seconds, a replacement that finds the requested settings waits until a source that
# is modifying shows whether a stop is in progress.
MAX_DOUBT = 5 * 60.0

# Seconds before each poll that finds out what an uncertain call did: Describe lags some seconds
# behind a change.
CONFIRMATION_PAUSES = (0, 1, 2, 4, 8)
