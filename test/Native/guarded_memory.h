// Memory that ends at a page which may not be touched, so that a read or write past the end stops the test.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <new>

template <class T>
class GuardedMemory {
 public:
  // The end of the memory is the guard page where `alignment` allows it.
  explicit GuardedMemory(size_t count, size_t alignment = alignof(T)) : count_(count) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = (count * sizeof(T) + alignment - 1) / alignment * alignment;
    const size_t pages = (bytes + page - 1) / page * page;
    size_ = pages + page;
    base_ = static_cast<uint8_t*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || mprotect(base_ + pages, page, PROT_NONE) != 0) throw std::bad_alloc();
    data_ = reinterpret_cast<T*>(base_ + pages - bytes);
  }
  ~GuardedMemory() { munmap(base_, size_); }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  T* data() { return data_; }
  size_t size() const { return count_; }
  T& operator[](size_t i) { return data_[i]; }

 private:
  uint8_t* base_;
  T* data_;
  size_t size_, count_;
};
