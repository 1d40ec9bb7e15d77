// Calls any ATen operator by its schema name through the boxed dispatcher, so no operator needs a function of its own.
// Going through the dispatcher runs the autograd kernels first, as a call from PyTorch would.
#include "shim.h"

#include <ATen/core/Generator.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <vector>

using at::Tensor;
using c10::IValue;
using c10::TypeKind;

namespace {

enum Tag : int32_t {
  kNone = 0,
  kTensor = 1,
  kInt = 2,
  kDouble = 3,
  kBool = 4,
  kInts = 5,
  kTensors = 6,
  kString = 7,
  kGenerator = 8,
  kDefault = 9,
};

// One argument or result; `count` is the length of a list or string.
struct Value {
  int32_t tag;
  int32_t count;
  union {
    int64_t i;
    double d;
    const void* p;
  };
};

// What converting an argument needs to know of its schema, read once per operator.
struct Parameter {
  std::string name;
  TypeKind kind;
  bool is_optional;
  bool is_list_of_optional;
  c10::optional<IValue> default_value;
};

struct Operator {
  c10::OperatorHandle handle;
  std::vector<Parameter> parameters;
};

Parameter describe(const c10::Argument& argument) {
  c10::TypePtr type = argument.type();
  bool optional = false;
  if (auto of = type->cast<c10::OptionalType>()) {
    type = of->getElementType();
    optional = true;
  }
  auto list = type->cast<c10::ListType>();
  bool list_of_optional = list && list->getElementType()->kind() == TypeKind::OptionalType;
  return {argument.name(), type->kind(), optional, list_of_optional, argument.default_value()};
}

IValue to_tensor_list(const Value& value, const Parameter& parameter) {
  auto handles = static_cast<const void* const*>(value.p);
  if (parameter.is_list_of_optional) {
    c10::List<c10::optional<Tensor>> list;
    for (int32_t i = 0; i < value.count; i++) {
      list.push_back(handles[i] ? c10::make_optional(shim::tensor(handles[i], "item")) : c10::nullopt);
    }
    return list;
  }
  c10::List<Tensor> list;
  for (int32_t i = 0; i < value.count; i++) list.push_back(shim::tensor(handles[i], parameter.name.c_str()));
  return list;
}

IValue to_number(const Value& value, const Parameter& parameter) {
  switch (parameter.kind) {
    case TypeKind::FloatType:
      return value.tag == kDouble ? value.d : static_cast<double>(value.i);
    case TypeKind::BoolType:
      TORCH_CHECK(value.tag != kDouble, "argument ", parameter.name, " is a bool, got a floating-point number");
      return value.i != 0;
    case TypeKind::ListType:
      TORCH_CHECK(value.tag == kInt, "argument ", parameter.name, " is a list of integers");
      return std::vector<int64_t>{value.i};
    case TypeKind::NumberType:
      if (value.tag == kBool) return value.i != 0;
      return value.tag == kDouble ? IValue(value.d) : IValue(value.i);
    default:
      TORCH_CHECK(value.tag == kInt, "argument ", parameter.name, " takes an integer");
      return value.i;
  }
}

IValue to_ivalue(const Value& value, const Parameter& parameter) {
  TORCH_CHECK(value.count >= 0, "argument ", parameter.name, " has the negative length ", value.count);
  switch (value.tag) {
    case kDefault:
      TORCH_CHECK(parameter.default_value.has_value(), "argument ", parameter.name, " has no default");
      return *parameter.default_value;
    case kNone:
      TORCH_CHECK(parameter.is_optional, "argument ", parameter.name, " may not be null");
      return IValue();
    case kTensor: {
      const Tensor& tensor = shim::tensor(value.p, parameter.name.c_str());
      return parameter.kind == TypeKind::NumberType ? IValue(tensor.item()) : IValue(tensor);
    }
    case kInt:
    case kDouble:
    case kBool:
      return to_number(value, parameter);
    case kInts: {
      auto first = static_cast<const int64_t*>(value.p);
      return std::vector<int64_t>(first, first + value.count);
    }
    case kTensors:
      return to_tensor_list(value, parameter);
    case kString: {
      std::string text(static_cast<const char*>(value.p), value.count);
      return parameter.kind == TypeKind::DeviceObjType ? IValue(c10::Device(text)) : IValue(text);
    }
    case kGenerator:
      TORCH_CHECK(value.p != nullptr, "argument ", parameter.name, " is an empty generator handle");
      return *static_cast<const at::Generator*>(value.p);
    default:
      TORCH_CHECK(false, "argument ", parameter.name, " has the unknown tag ", value.tag);
  }
}

void push_tensor(const Tensor& tensor, std::vector<Value>& results) {
  Value value{kTensor, 0, {}};
  value.p = shim::handle(tensor);
  results.push_back(value);
}

void push_result(const IValue& result, std::vector<Value>& results) {
  if (result.isTensor()) {
    push_tensor(result.toTensor(), results);
    return;
  }
  if (result.isTensorList()) {
    for (const Tensor& tensor : result.toTensorVector()) push_tensor(tensor, results);
    return;
  }
  Value value{kNone, 0, {}};
  if (result.isInt()) {
    value.tag = kInt;
    value.i = result.toInt();
  } else if (result.isDouble()) {
    value.tag = kDouble;
    value.d = result.toDouble();
  } else if (result.isBool()) {
    value.tag = kBool;
    value.i = result.toBool();
  } else {
    TORCH_CHECK(result.isNone(), "results of type ", result.tagKind(), " are not supported");
  }
  results.push_back(value);
}

}  // namespace

// Finds an operator; the result lives as long as the process.
TS_API void* ts_operator(const char* name, const char* overload) {
  return shim::guard<void*>(nullptr, [&]() -> void* {
    c10::OperatorHandle handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    std::vector<Parameter> parameters;
    for (const c10::Argument& argument : handle.schema().arguments()) parameters.push_back(describe(argument));
    return new Operator{handle, std::move(parameters)};
  });
}

// Calls an operator; trailing arguments left out take the schema's defaults. Returns the number of results, or -1.
// The results stay readable until the next call on this thread; tensor handles among them belong to the caller.
TS_API int32_t ts_call(void* handle, const Value* arguments, int32_t count, const Value** results) {
  static thread_local std::vector<Value> returned;
  return shim::guard<int32_t>(-1, [&]() -> int32_t {
    const Operator& op = *static_cast<Operator*>(handle);
    TORCH_CHECK(count >= 0 && static_cast<size_t>(count) <= op.parameters.size(), "got ", count, " arguments for ",
                op.handle.schema());
    torch::jit::Stack stack;
    stack.reserve(op.parameters.size());
    for (size_t i = 0; i < op.parameters.size(); i++) {
      const Parameter& parameter = op.parameters[i];
      if (i < static_cast<size_t>(count)) {
        stack.push_back(to_ivalue(arguments[i], parameter));
        continue;
      }
      TORCH_CHECK(parameter.default_value.has_value(), "argument ", parameter.name, " of ", op.handle.schema(),
                  " is missing");
      stack.push_back(*parameter.default_value);
    }
    op.handle.callBoxed(&stack);
    returned.clear();
    for (const IValue& result : stack) push_result(result, returned);
    *results = returned.data();
    return static_cast<int32_t>(returned.size());
  });
}
