"""Several processes with one thread each, that train one model together.

On a CPU this is faster than one process with several threads: convolutions this small spend much
of their time waiting for each other's threads, and all of it when other programs are running.
"""
from __future__ import annotations

import os
import socket
from typing import Callable

import torch
import torch.distributed as distributed
from torch import Tensor, nn


class Team:
    """A member's view of the team: its rank, the number of members, and means over all of them."""

    def __init__(self, rank: int = 0, size: int = 1):
        self.rank, self.size = rank, size

    def average_gradients(self, model: nn.Module, share: Tensor) -> Tensor:
        """Replaces every gradient, and returns share, by the mean over the members."""
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        if self.size == 1:
            return share
        flat = torch.cat([share.reshape(1), *(g.flatten() for g in gradients)])
        distributed.all_reduce(flat)
        flat /= self.size
        for g, mean in zip(gradients, flat[1:].split([g.numel() for g in gradients])):
            g.copy_(mean.view_as(g))
        return flat[0]


def _member(rank: int, size: int, work: Callable[[Team], None]) -> None:
    from .device import keep_freed_memory
    keep_freed_memory()
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", rank=rank, world_size=size)
    work(Team(rank, size))
    distributed.destroy_process_group()


def run(work: Callable[[Team], None], size: int) -> None:
    """Runs work(team) in size processes; work must be a module's function or a partial of one."""
    if size == 1:
        return work(Team())
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(s.getsockname()[1]), OMP_NUM_THREADS="1")
    torch.multiprocessing.spawn(_member, args=(size, work), nprocs=size)
