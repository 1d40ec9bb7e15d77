// A small pool: the caller works too, the others spin for a moment between tasks and then sleep.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

struct mlp_pool {
 public:
  explicit mlp_pool(int threads);
  ~mlp_pool();

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // work(context, part) for each part of 0..threads-1, at once; returns when all have ended.
  void run(void (*work)(void*, int), void* context);

 private:
  void serve(int part);
  void stop();

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint32_t> round_{0};
  std::atomic<int> left_{0};
  std::atomic<bool> stop_{false};
  void (*work_)(void*, int) = nullptr;
  void* context_ = nullptr;
};
