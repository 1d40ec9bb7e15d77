using System.Runtime.InteropServices;
using TorchSharp.PInvoke;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>The memory of a contiguous tensor.</summary>
        public unsafe Span<byte> bytes
        {
            get
            {
                if (!is_contiguous())
                    throw new NotImplementedException("Bytes() called on non-contiguous tensor.");
                long length = checked(numel() * element_size());
                if (length > int.MaxValue)
                    throw new NotSupportedException($"A span cannot hold the {length} bytes of this tensor.");
                return new Span<byte>((void*)DataPointer, (int)length);
            }

            set
            {
                var target = bytes;
                if (value.Length != target.Length)
                {
                    throw new ArgumentException(
                        $"Mismatched data sizes: {value.Length} bytes for a tensor of {target.Length} bytes.");
                }
                value.CopyTo(target);
            }
        }

        /// <summary>Access to the elements; T must be the element type exactly.</summary>
        public TensorAccessor<T> data<T>() where T : struct
        {
            Validate(typeof(T));
            return new TensorAccessor<T>(this);
        }

        /// <summary>The only element; T must be the element type exactly.</summary>
        public T item<T>() where T : struct
        {
            if (numel() != 1)
                throw new ArgumentException("Number of elements in the tensor must be 1");
            Validate(typeof(T));
            using var cpu = new TensorAccessor<T>(device_type == DeviceType.CPU ? this : this.cpu());
            return cpu.ToArray()[0];
        }

        public Scalar ToScalar()
        {
            if (numel() != 1)
                throw new ExternalException($"a Tensor with {numel()} elements cannot be converted to Scalar");
            return Ops.item.CallScalar(this);
        }

        private void Validate(Type requested)
        {
            var expected = dtype switch
            {
                ScalarType.Byte => typeof(byte),
                ScalarType.Int8 => typeof(sbyte),
                ScalarType.Int16 => typeof(short),
                ScalarType.Int32 => typeof(int),
                ScalarType.Int64 => typeof(long),
                ScalarType.Float16 => typeof(Half),
                ScalarType.Float32 => typeof(float),
                ScalarType.Float64 => typeof(double),
                ScalarType.Bool => typeof(bool),
                _ => null,
            };
            if (requested != expected)
                throw new ArgumentException($"{requested.Name} is not compatible with {dtype}");
        }
    }
}
