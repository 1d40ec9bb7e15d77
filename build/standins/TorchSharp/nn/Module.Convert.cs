using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            protected internal virtual Module _to(Device device, ScalarType dtype, bool non_blocking) =>
                Converted(device, dtype, non_blocking);

            protected internal virtual Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) =>
                Converted(new Device(deviceType, deviceIndex), null, non_blocking);

            protected internal virtual Module _to(ScalarType dtype, bool non_blocking) =>
                Converted(null, dtype, non_blocking);

            /// <summary>Replaces what differs by new tensors, in the registers and in the fields.</summary>
            private Module Converted(Device device, ScalarType? type, bool nonBlocking)
            {
                foreach (var child in children())
                    child.Converted(device, type, nonBlocking);
                using var guard = no_grad();
                foreach (var (key, parameter) in _parameters.ToList())
                {
                    if (Convert(parameter, device, type, nonBlocking) is { } data)
                    {
                        var replacement = new Parameter(data, parameter.requires_grad);
                        replacement.DetachFromDisposeScope();
                        _parameters[key] = replacement;
                        ReplaceInFields(parameter, replacement);
                    }
                }
                foreach (var (key, buffer) in _buffers.ToList())
                {
                    if (Convert(buffer, device, type, nonBlocking) is { } replacement)
                    {
                        _buffers[key] = replacement.DetachFromDisposeScope();
                        ReplaceInFields(buffer, replacement);
                    }
                }
                return this;
            }

            /// <summary>The converted tensor, or null if it is already right; integers keep their type.</summary>
            private static Tensor Convert(Tensor tensor, Device device, ScalarType? type, bool nonBlocking)
            {
                var wantedType = tensor.is_floating_point() ? type ?? tensor.dtype : tensor.dtype;
                var wantedDevice = device ?? tensor.device;
                return wantedType == tensor.dtype && wantedDevice.ToString() == tensor.device.ToString()
                    ? null
                    : tensor.to(wantedType, wantedDevice, non_blocking: nonBlocking).detach();
            }

            private void ReplaceInFields(Tensor old, Tensor replacement)
            {
                foreach (var field in GetType().GetFields(Fields))
                {
                    if (ReferenceEquals(field.GetValue(this), old))
                        field.SetValue(this, replacement);
                }
            }
        }
    }
}
