using System.Runtime.InteropServices;
using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public long[] shape => Geometry().Sizes;

        public ScalarType dtype => (ScalarType)Native(Shim.Check(Shim.ts_dtype(Handle)));

        public Device device => DeviceOf();

        public DeviceType device_type => device.type;

        public int device_index => device.type == DeviceType.CPU ? -1 : device.index;

        public long ndim => dim();

        public long Dimensions => dim();

        public long NumberOfElements => numel();

        public long ElementSize => element_size();

        internal unsafe nint DataPointer
        {
            get
            {
                void* data;
                Shim.Check(Native(Shim.ts_data(Handle, &data)));
                return (nint)data;
            }
        }

        public long dim() => Native(Shim.Check(Shim.ts_dim(Handle)));

        public long numel()
        {
            long count = 1;
            foreach (long size in shape)
                count *= size;
            return count;
        }

        public long[] size() => shape;

        public long size(int dim)
        {
            var sizes = shape;
            int index = dim < 0 ? dim + sizes.Length : dim;
            return index >= 0 && index < sizes.Length
                ? sizes[index]
                : throw new ExternalException($"Dimension {dim} of a tensor of {sizes.Length} dimensions.");
        }

        public long[] stride() => Geometry().Strides;

        public long stride(int dim)
        {
            var strides = stride();
            return strides[dim < 0 ? dim + strides.Length : dim];
        }

        public long element_size() => Native(Shim.Check(Shim.ts_itemsize(Handle)));

        public bool is_contiguous() => Native(Shim.Check(Shim.ts_is_contiguous(Handle))) != 0;

        public bool is_floating_point() => dtype is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32
            or ScalarType.Float64;

        public bool is_cpu() => device_type == DeviceType.CPU;

        private unsafe (long[] Sizes, long[] Strides) Geometry()
        {
            var sizes = new long[dim()];
            var strides = new long[sizes.Length];
            fixed (long* s = sizes, t = strides)
                Shim.Check(Native(Shim.ts_geometry(Handle, s, t, sizes.Length)));
            return (sizes, strides);
        }

        private unsafe Device DeviceOf()
        {
            int index;
            int type = Native(Shim.Check(Shim.ts_device(Handle, &index)));
            return new Device((DeviceType)type, index);
        }
    }
}
