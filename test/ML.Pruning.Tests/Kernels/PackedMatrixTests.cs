using ML.Pruning.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace ML.Pruning.Tests.Kernels;

/// <summary>Products of packed matrices, in C# against float64 and native against C#.</summary>
[TestClass]
public sealed class PackedMatrixTests
{
    public static IEnumerable<(PackedFormat Format, PackedType Type)> Kinds =>
        from format in Enum.GetValues<PackedFormat>()
        from type in Enum.GetValues<PackedType>()
        where format != PackedFormat.Csr || type == PackedType.Float32
        select (format, type);

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void MultiplyManaged_AwkwardSizes_EqualsFloat64(PackedFormat format, PackedType type)
    {
        foreach ((int rows, int columns, int batch) in new[] { (1, 1, 1), (15, 63, 2), (17, 65, 9), (40, 200, 3) })
        {
            var example = KernelExample.Create(rows, columns, batch, format, type);
            using PackedMatrix matrix = PackedMatrix.Pack(example.Weights, rows, columns, format, type);
            float[] y = new float[batch * rows];
            matrix.MultiplyManaged(example.X, batch, y);
            example.Expect(y);
        }
    }

    // The integer types are exact, so that every target gives the same bits; float32 sums differ in their order.
    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Multiply_EveryTarget_EqualsManaged(PackedFormat format, PackedType type)
    {
        if (!KernelLibrary.IsNative)
            Assert.Inconclusive($"The native kernels do not serve: {KernelLibrary.WhyManaged}.");
        KernelTarget before = KernelLibrary.Target;
        using var threads = new KernelThreads(2);
        try
        {
            foreach (KernelTarget target in Enum.GetValues<KernelTarget>().Where(target =>
                target != KernelTarget.Managed && KernelLibrary.Supports(target)))
            {
                KernelLibrary.Select(target);
                foreach ((int rows, int columns, int batch) in new[] { (33, 130, 1), (100, 1000, 5), (70, 1100, 30) })
                    ExpectSame(target, rows, columns, batch, format, type, batch == 5 ? threads : null);
            }
        }
        finally
        {
            KernelLibrary.Select(before);
        }
    }

    // The same in C#, on the target in use, and in float64.
    [TestMethod]
    [DataRow(-128, 127)]
    [DataRow(0, 255)]
    [DataRow(-200, 55)]
    public void Multiply_ActivationsOnAGrid_EqualsManagedAndFloat64(int lowest, int highest)
    {
        const int Rows = 33, Columns = 130, Batch = 9;
        const float Scale = 0.013f;
        var example = KernelExample.Create(Rows, Columns, Batch, PackedFormat.Bitmask, PackedType.Float32);
        float[] codes = [.. example.Weights.Select(weight => MathF.Round(weight * 200))];
        using var packer = new MatrixPacker(PackedFormat.Bitmask, PackedType.Int8, Rows, Columns);
        packer.Add(codes, [.. Enumerable.Repeat(1f, Rows)]);
        using PackedMatrix packed = packer.Finish();
        using PackedMatrix matrix = PackedMatrix.Open(packed.Bytes, new ActivationGrid(Scale, lowest, highest));
        float[] y = new float[Batch * Rows], managed = new float[Batch * Rows];

        matrix.Multiply(example.X, Batch, y);
        matrix.MultiplyManaged(example.X, Batch, managed);

        CollectionAssert.AreEqual(managed, y);
        for (int i = 0; i < y.Length; i++)
        {
            double sum = 0;
            for (int k = 0; k < Columns; k++)
                sum += codes[i % Rows * Columns + k]
                    * Math.Clamp(Math.Round(example.X[i / Rows * Columns + k] / Scale), lowest, highest);
            Assert.AreEqual(sum * Scale, y[i], 1e-6 * Math.Abs(sum * Scale) + 1e-6, $"element {i}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Pack_NativeAndManaged_SameBytes(PackedFormat format, PackedType type)
    {
        if (!KernelLibrary.IsNative)
            Assert.Inconclusive($"The native kernels do not serve: {KernelLibrary.WhyManaged}.");
        foreach ((int rows, int columns) in new[] { (1, 1), (16, 64), (37, 150) })
        {
            var example = KernelExample.Create(rows, columns, 1, format, type);
            byte[][] packed = [.. new[] { true, false }.Select(native =>
            {
                using var packer = new MatrixPacker(format, type, rows, columns, native);
                // In parts, as a stream would.
                for (int row = 0; row < rows; row += 16)
                    packer.Add(example.Weights.AsSpan(row * columns, Math.Min(16, rows - row) * columns));
                using PackedMatrix matrix = packer.Finish();
                return matrix.Bytes.ToArray();
            })];
            CollectionAssert.AreEqual(packed[0], packed[1], $"{rows} x {columns}");
        }
    }

    [TestMethod]
    public void Add_ScalesGiven_AreUsed()
    {
        float[] weights = [1, 2, -3, 0];
        using var packer = new MatrixPacker(PackedFormat.Bitmask, PackedType.Int8, 1, 4);
        packer.Add(weights, [0.5f]);
        using PackedMatrix matrix = packer.Finish();
        float[] y = new float[1];
        matrix.Multiply([127, 127, 127, 127], 1, y);
        Assert.AreEqual(0, y[0]);
        matrix.Multiply([127, 0, 0, 127], 1, y);
        Assert.AreEqual(127, y[0]);
        Assert.AreEqual(3, matrix.Kept);
    }

    [TestMethod]
    public void Multiply_RowOfZeros_GivesZeros()
    {
        using PackedMatrix matrix = PackedMatrix.Pack([1, 2, 3, 4], 2, 2, PackedFormat.Dense, PackedType.Int8);
        float[] y = [9, 9, 9, 9];
        matrix.Multiply([0, 0, 1, 0], 2, y);
        CollectionAssert.AreEqual(new float[] { 0, 0 }, y[..2]);
        Assert.AreEqual(1, y[2], 0.01);
    }

    [TestMethod]
    public void Open_OfBytes_RunsTheSame()
    {
        var example = KernelExample.Create(20, 70, 1, PackedFormat.Bitmask, PackedType.Int4);
        using PackedMatrix packed =
            PackedMatrix.Pack(example.Weights, 20, 70, PackedFormat.Bitmask, PackedType.Int4);
        using PackedMatrix opened = PackedMatrix.Open(packed.Bytes);
        float[] a = new float[20];
        float[] b = new float[20];
        packed.Multiply(example.X, 1, a);
        opened.Multiply(example.X, 1, b);
        CollectionAssert.AreEqual(a, b);
        Assert.AreEqual((20, 70, PackedFormat.Bitmask, PackedType.Int4, packed.Kept),
            (opened.Rows, opened.Columns, opened.Format, opened.Type, opened.Kept));
    }

    [TestMethod]
    public void Open_CountsOrPlacesChanged_Throws()
    {
        foreach ((PackedFormat format, PackedType type) in Kinds)
        {
            var example = KernelExample.Create(40, 200, 1, format, type);
            using PackedMatrix packed = PackedMatrix.Pack(example.Weights, 40, 200, format, type);
            // Magic, version, kept, bytes, the place of the values; cut in the middle and at the end.
            foreach (int at in new[] { 0, 4, 16, 24, 48 })
            {
                byte[] bytes = packed.Bytes.ToArray();
                bytes[at] ^= 0x55;
                ExpectRefused(bytes, $"{format} {type}, byte {at}");
            }

            ExpectRefused(packed.Bytes[..(packed.Bytes.Length / 2)].ToArray(), $"{format} {type}, half of it");
            ExpectRefused(packed.Bytes[..^64].ToArray(), $"{format} {type}, without its end");
        }
    }

    [TestMethod]
    public void Constructor_WhatDoesNotGoTogether_Throws()
    {
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() =>
            new MatrixPacker(PackedFormat.Csr, PackedType.Int8, 1, 1)).Message, "CSR stores float32 only");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() =>
            new MatrixPacker(PackedFormat.Dense, PackedType.Int8, 1, 1 << 20)).Message, "131072");
        using var packer = new MatrixPacker(PackedFormat.Dense, PackedType.Float32, 32, 4);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => packer.Add(new float[60])).Message, "32 rows are left");
        Assert.ThrowsExactly<InvalidOperationException>(packer.Finish);
    }

    private static void ExpectRefused(byte[] bytes, string what)
    {
        Assert.ThrowsExactly<PackedFormatException>(() => PackedMatrix.Open(bytes).Dispose(), what);
        Assert.ThrowsExactly<PackedFormatException>(() => PackedReader.Open(bytes), what);
    }

    private static void ExpectSame(
        KernelTarget target, int rows, int columns, int batch, PackedFormat format, PackedType type,
        KernelThreads? threads)
    {
        var example = KernelExample.Create(rows, columns, batch, format, type);
        using PackedMatrix matrix = PackedMatrix.Pack(example.Weights, rows, columns, format, type);
        float[] native = new float[batch * rows];
        float[] managed = new float[batch * rows];
        matrix.Multiply(example.X, batch, native, threads);
        matrix.MultiplyManaged(example.X, batch, managed);
        if (type == PackedType.Int8)
            CollectionAssert.AreEqual(managed, native, $"{target} {format} {rows} x {columns}, batch {batch}");
        example.Expect(native);
    }
}
