"""zmesos for asyncio: the names of zmesos, with await.

    import asyncio
    from zmesos import aio

    async def main():
        async with aio.Client() as client:
            task = await client.launch("echo hello", cpus=0.1, mem=32)
            print((await task.wait(timeout=60)).message)

    asyncio.run(main())

A client, and all that it gives, is for one event loop and any number of its tasks; a subscription, a follower or an iteration
for one task at a time. A call that is cancelled leaves nothing behind; whether the daemon had done it is not known then, as
after a TimedOut. What has no await in it (task_spec(), Event, errors ...) is in zmesos.
"""

from .client import AsyncClient as Client
from .driving import AsyncStream as Stream
from .driving import Opening
from .events import AsyncEvents as Events
from .follow import AsyncFollower as Follower
from .handle import AsyncHandle as Handle
from .leases import AsyncLease as Lease

__all__ = ["Client", "Events", "Follower", "Handle", "Lease", "Opening", "Stream"]
