using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Tests.Packaging;

namespace ML.Pruning.Tests.StandIns;

/// <summary>ONNX Runtime is the real one wherever it comes from: its version, and Y = X W + b on a hand-made
/// model.</summary>
[TestClass]
public sealed class OnnxRuntimeTests
{
    [TestMethod]
    public void GetVersionString_OfNativeLibrary_IsTheReferencedVersion()
    {
        StringAssert.StartsWith(
            OrtEnv.Instance().GetVersionString(), PackageFeed.CentralVersions["Microsoft.ML.OnnxRuntime"]);
    }

    [TestMethod]
    public void Run_MatMulThenAdd_EqualsHandComputation()
    {
        // W [3, 2] row-major, b [2], X [2, 3]: all small integers, so that the float32 result is exact.
        float[] weight = [1, 2, 3, 4, 5, 6];
        float[] bias = [10, -20];
        float[] input = [1, 0, -1, 2, 3, 4];
        float[] expected = [1 - 5 + 10, 2 - 6 - 20, 2 + 9 + 20 + 10, 4 + 12 + 24 - 20];

        using var session = new InferenceSession(LinearModel(weight, bias));
        NamedOnnxValue[] inputs =
            [NamedOnnxValue.CreateFromTensor("X", new DenseTensor<float>(input, [2, 3]))];
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run(inputs);

        Tensor<float> result = outputs.Single().AsTensor<float>();
        CollectionAssert.AreEqual(new[] { 2, 2 }, result.Dimensions.ToArray());
        CollectionAssert.AreEqual(expected, result.ToArray());
    }

    [TestMethod]
    public void Constructor_BytesThatAreNoModel_ThrowsOnnxRuntimeException()
    {
        Assert.ThrowsExactly<OnnxRuntimeException>(() => new InferenceSession([1, 2, 3, 4]));
    }

    // The field numbers are those of onnx.proto3: ModelProto, GraphProto, NodeProto, TensorProto, ValueInfoProto.
    private static byte[] LinearModel(float[] weight, float[] bias)
    {
        byte[] graph =
        [
            .. Message(1, Node("MatMul", ["X", "W"], "XW")),
            .. Message(1, Node("Add", ["XW", "b"], "Y")),
            .. Text(2, "linear"),
            .. Message(5, Initializer("W", weight, 3, 2)),
            .. Message(5, Initializer("b", bias, 2)),
            .. Message(11, FloatTensor("X", 2, 3)),
            .. Message(12, FloatTensor("Y", 2, 2)),
        ];
        byte[] opset = [.. Text(1, ""), .. Number(2, 17)];
        return [.. Number(1, 8), .. Message(7, graph), .. Message(8, opset)];
    }

    private static byte[] Node(string operation, string[] inputs, string output) =>
        [.. inputs.SelectMany(name => Text(1, name)), .. Text(2, output), .. Text(4, operation)];

    private static byte[] Initializer(string name, float[] values, params int[] shape) =>
    [
        .. shape.SelectMany(size => Number(1, size)),
        .. Number(2, 1), // FLOAT
        .. Text(8, name),
        .. Message(9, MemoryMarshal.AsBytes<float>(values).ToArray()),
    ];

    private static byte[] FloatTensor(string name, params int[] shape)
    {
        byte[] dimensions = [.. shape.SelectMany(size => Message(1, Number(1, size)))];
        byte[] tensorType = [.. Number(1, 1), .. Message(2, dimensions)];
        return [.. Text(1, name), .. Message(2, Message(1, tensorType))];
    }

    private static byte[] Text(int field, string value) => Message(field, Encoding.UTF8.GetBytes(value));

    private static byte[] Message(int field, byte[] body) => [.. Varint((field << 3) | 2), .. Varint(body.Length), .. body];

    private static byte[] Number(int field, int value) => [.. Varint(field << 3), .. Varint(value)];

    private static byte[] Varint(int value) =>
        value < 0x80 ? [(byte)value] : [(byte)(value | 0x80), .. Varint(value >> 7)];
}
