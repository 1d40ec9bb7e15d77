namespace TorchSharp;

public static partial class torch
{
    /// <summary>One position of a tensor index: a number, a range, a mask or index tensor, or a marker.</summary>
    public struct TensorIndex
    {
#pragma warning disable CA2211 // The real fields are not readonly either.
        public static TensorIndex Ellipsis = new() { Kind = IndexKind.Ellipsis };
        public static TensorIndex Null = new() { Kind = IndexKind.NewAxis };
        public static TensorIndex None = new() { Kind = IndexKind.NewAxis };
        public static TensorIndex Colon = Slice();
#pragma warning restore CA2211

        internal IndexKind Kind;
        internal long? Start;
        internal long? Stop;
        internal long? Step;
        internal Tensor IndexTensor;

        /// <summary>A default-initialised index is a new axis, as null is.</summary>
        internal enum IndexKind
        {
            NewAxis,
            Ellipsis,
            Single,
            Slice,
            Tensor,
        }

        public static TensorIndex Single(long? index) =>
            index is null ? None : new() { Kind = IndexKind.Single, Start = index };

        public static TensorIndex Tensor(Tensor tensor) => new() { Kind = IndexKind.Tensor, IndexTensor = tensor };

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { Kind = IndexKind.Slice, Start = start, Stop = stop, Step = step };

        public static TensorIndex Slice(Range range)
        {
            long start = range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value;
            long? stop = range.End.IsFromEnd
                ? range.End.Value == 0 ? null : -range.End.Value
                : range.End.Value;
            return Slice(start, stop);
        }

        public static implicit operator TensorIndex(long value) => Single(value);

        public static implicit operator TensorIndex(Range range) => Slice(range);
    }
}
