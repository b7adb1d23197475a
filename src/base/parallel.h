#pragma once

// Work over the machine's cores, with results in order.

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace dbm {

/// Threads worth starting for `count` pieces of work.
inline unsigned worker_count(size_t count) {
  constexpr unsigned kMost = 8;
  const unsigned cores = std::clamp(std::thread::hardware_concurrency(), 1u, kMost);
  return static_cast<unsigned>(std::min<size_t>(cores, count));
}

/// Calls produce(i) for every i below `count` on `workers` threads, the calling one among them, and
/// consume(result) in the order of i: on one thread at a time, the one that made what was missing.
/// At most 4 * workers results wait at a time: producers are held back by a slow consumer. With one
/// worker everything happens on the calling thread. The first exception of either is thrown again
/// here, when all threads have ended.
template <class Produce, class Consume>
void ordered_parallel(size_t count, unsigned workers, const Produce& produce,
                      const Consume& consume) {
  if (workers <= 1) {
    for (size_t i = 0; i < count; ++i) consume(produce(i));
    return;
  }
  using Out = decltype(produce(size_t{0}));
  std::mutex mutex;
  std::condition_variable room;  // for producers that are held back
  std::vector<std::optional<Out>> done(count);
  std::exception_ptr failure;
  size_t next = 0, consumed = 0;
  bool consuming = false;  // one thread is at it; it also takes what others finish meanwhile

  const auto consume_done = [&](std::unique_lock<std::mutex>& lock) {
    consuming = true;
    while (consumed < count && done[consumed] && !failure) {
      Out out = std::move(*done[consumed]);
      done[consumed].reset();
      lock.unlock();
      consume(std::move(out));
      lock.lock();
      if (next == 4 * workers + consumed++) room.notify_all();
    }
    consuming = false;
  };
  const auto work = [&] {
    std::unique_lock lock(mutex);
    try {
      while (true) {
        room.wait(lock, [&] { return failure || next == count || next < consumed + 4 * workers; });
        if (failure || next == count) return;
        const size_t mine = next++;
        lock.unlock();
        Out out = produce(mine);
        lock.lock();
        done[mine] = std::move(out);
        if (!consuming) consume_done(lock);
      }
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      if (!failure) failure = std::current_exception();
      room.notify_all();
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 1; i < workers; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace dbm
