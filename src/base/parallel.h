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

/// Calls produce(i) for every i below `count` on `workers` threads and consume(result) on the
/// calling thread in the order of i. At most 4 * workers results wait at a time: producers are held
/// back by a slow consumer. With one worker everything happens on the calling thread. The first
/// exception of produce() is thrown again here, when all threads have ended.
template <class Produce, class Consume>
void ordered_parallel(size_t count, unsigned workers, const Produce& produce,
                      const Consume& consume) {
  if (workers <= 1) {
    for (size_t i = 0; i < count; ++i) consume(produce(i));
    return;
  }
  using Out = decltype(produce(size_t{0}));
  std::mutex mutex;
  std::condition_variable ready, room;  // for the consumer, for producers
  std::vector<std::optional<Out>> done(count);
  std::exception_ptr failure;
  size_t next = 0, consumed = 0;

  const auto work = [&] {
    std::unique_lock lock(mutex);
    while (true) {
      room.wait(lock, [&] { return failure || next >= count || next < consumed + 4 * workers; });
      if (failure || next >= count) return;
      const size_t mine = next++;
      lock.unlock();
      std::optional<Out> out;
      std::exception_ptr thrown;
      try {
        out.emplace(produce(mine));
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      if (thrown && !failure) failure = thrown;
      done[mine] = std::move(out);
      if (mine == consumed || thrown) ready.notify_one();
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < workers; ++i) threads.emplace_back(work);
  std::unique_lock lock(mutex);
  while (consumed < count) {
    ready.wait(lock, [&] { return failure || done[consumed]; });
    if (failure) break;
    Out out = std::move(*done[consumed]);
    done[consumed].reset();
    const bool held_back = next == consumed + 4 * workers;
    ++consumed;
    if (held_back) room.notify_all();
    lock.unlock();
    consume(std::move(out));
    lock.lock();
  }
  room.notify_all();
  lock.unlock();
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace dbm
