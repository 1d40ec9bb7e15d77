#include "pool.h"

#include <chrono>

namespace {

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Long enough to bridge the gap between two layers of a model.
constexpr auto kSpin = std::chrono::microseconds(50);

}  // namespace

mlp_pool::mlp_pool(int threads) {
  try {
    for (int part = 1; part < threads; part++) workers_.emplace_back([this, part] { serve(part); });
  } catch (...) {
    stop();
    throw;
  }
}

mlp_pool::~mlp_pool() { stop(); }

void mlp_pool::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void mlp_pool::run(void (*work)(void*, int), void* context) {
  if (!workers_.empty()) {
    work_ = work;
    context_ = context;
    left_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    {
      // Under the lock, so that no worker goes to sleep between its last look and the notification.
      const std::lock_guard<std::mutex> lock(mutex_);
      round_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
  }
  work(context, 0);
  for (int spins = 0; left_.load(std::memory_order_acquire) != 0; spins++) {
    if (spins < 1000) relax();
    else std::this_thread::yield();
  }
}

void mlp_pool::serve(int part) {
  uint32_t seen = 0;
  for (;;) {
    const auto until = std::chrono::steady_clock::now() + kSpin;
    while (round_.load(std::memory_order_acquire) == seen && !stop_ && std::chrono::steady_clock::now() < until) relax();
    if (round_.load(std::memory_order_acquire) == seen) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || round_.load(std::memory_order_relaxed) != seen; });
      if (round_.load(std::memory_order_relaxed) == seen) return;
    }
    seen++;
    work_(context_, part);
    left_.fetch_sub(1, std::memory_order_release);
  }
}
