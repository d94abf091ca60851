"""Threads, forks and interruptions."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from rieszflow import flow, mmd2

X = np.random.default_rng(0).normal(size=(3000, 2))


def test_the_lock_is_free_while_it_computes():
    ticks = []
    done = threading.Event()

    def count():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(1e-3)

    large = np.random.default_rng(1).normal(size=(20_000, 3))
    counter = threading.Thread(target=count)
    counter.start()
    start = time.perf_counter()
    mmd2(large, large[::2], exponent=1.3)
    seconds = time.perf_counter() - start
    done.set()
    counter.join()
    inside = [tick for tick in ticks if start < tick < start + seconds]
    assert len(inside) > 20 * seconds


def run(code, **options):
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **options)


LONG = {
    "mmd2": "rieszflow.mmd2(rng.normal(size=(400_000, 3)), rng.normal(size=(400_000, 3)))",
    "many particles": "rieszflow.flow(rng.normal(size=(100_000, 3)), None, tau=0.1, t_eval=100.0)",
    "many steps": "rieszflow.flow(rng.normal(size=(50, 2)), [[0.0, 0.0]], tau=1e-5, t_eval=90.0)",
    "training": "rieszflow.flow(np.zeros((500, 2)), [[1.0, 1.0]], scheme='backward', tau=1.0, t_eval=9.0, "
    "iterations=10**9)",
}


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("name", LONG)
def test_an_interrupt_ends_it_within_a_second(name):
    code = f"""
import signal, time, numpy as np, rieszflow
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it for what runs in the background
rng = np.random.default_rng(0)
rieszflow.mmd2([[0.0]], [[1.0]])
print("ready", flush=True)
try:
    {LONG[name]}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    print(rieszflow.mmd2([[0.0, 0.0]], [[3.0, 4.0]]), flush=True)
"""
    process = run(code)
    assert process.stdout.readline() == "ready\n"
    time.sleep(1.0)
    assert process.poll() is None, "it ended before it could be interrupted"
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"
    seconds = time.monotonic() - sent
    # The package still works, on other threads.
    assert process.stdout.readline() == "5.0\n"
    process.kill()
    process.wait()
    assert seconds < 1.0


def child(queue):
    queue.put((mmd2(X, X[:100]), flow(X[:50], X[:20], tau=0.1, t_eval=0.2).success))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_computes():
    expected = mmd2(X, X[:100])
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        queue = context.Queue()
        process = context.Process(target=child, args=(queue,))
        process.start()
        assert queue.get(timeout=30) == (expected, True)
        process.join(timeout=30)
        assert process.exitcode == 0
    assert mmd2(X, X[:100]) == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_another_thread_computes():
    stop = threading.Event()

    def work():
        while not stop.is_set():
            mmd2(X, X)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        context = multiprocessing.get_context("fork")
        for _ in range(5):
            queue = context.Queue()
            process = context.Process(target=child, args=(queue,))
            process.start()
            assert queue.get(timeout=30)[1]
            process.join(timeout=30)
    finally:
        stop.set()
        worker.join()


def test_results_do_not_depend_on_the_number_of_threads():
    code = """
import numpy as np, rieszflow
x = np.random.default_rng(0).normal(size=(5000, 2))
result = rieszflow.flow(x[:300].astype("f4"), x[300:700], tau=0.2, t_eval=0.4, scheme="backward",
                        iterations=20, random_state=1)
print(rieszflow.mmd2(x, x[::3] + 1, exponent=0.7).hex(), result.particles.tobytes().hex())
"""
    outputs = set()
    for threads in ("1", "2", "5"):
        process = run(code, env={**os.environ, "RAYON_NUM_THREADS": threads})
        outputs.add(process.communicate(timeout=120)[0])
        assert process.returncode == 0
    assert len(outputs) == 1


def test_two_flows_in_two_threads_run_at_once():
    """Each waits in its callback for the other: one after the other they would not end."""
    both = threading.Barrier(2)
    results = {}

    def work(seed):
        results[seed] = flow(
            X[:100],
            X[100:200],
            tau=0.1,
            t_eval=0.5,
            random_state=seed,
            callback=lambda t, particles: both.wait(timeout=30),
        )

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[1].success and results[2].success
    assert (results[1].particles == results[2].particles).all()
