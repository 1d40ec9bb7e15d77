namespace TorchSharp;

public static partial class torch
{
    /// <summary>Where a tensor lives.</summary>
    public class Device
    {
        public Device(string description)
        {
            var parts = description.Split(':');
            if (parts.Length > 2 || !TryParse(parts[0], out var type))
                throw new ArgumentException($"'{description}' is not a device; use a form such as 'cpu' or 'cuda:0'.");
            this.type = type;
            index = parts.Length == 2 ? int.Parse(parts[1]) : DefaultIndex(type);
        }

        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = index < 0 ? DefaultIndex(deviceType) : index;
        }

        public DeviceType type { get; }

        public int index { get; }

        public static implicit operator Device(string description) => new(description);

        public override string ToString() =>
            type == DeviceType.CPU ? "cpu" : $"{type.ToString().ToLowerInvariant()}:{index}";

        private static int DefaultIndex(DeviceType type) => type == DeviceType.CUDA ? 0 : -1;

        private static bool TryParse(string name, out DeviceType type) =>
            Enum.TryParse(name, ignoreCase: true, out type) && name == type.ToString().ToLowerInvariant();
    }

    public static readonly Device CPU = new(DeviceType.CPU);

    public static Device device(string description) => new(description);

    public static Device device(DeviceType deviceType, int index = -1) => new(deviceType, index);
}
