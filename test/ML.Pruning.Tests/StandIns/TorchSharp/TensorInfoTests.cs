using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class TensorInfoTests
{
    private DisposeScope _scope = null!;

    [TestInitialize]
    public void Open() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Geometry_TransposedMatrix_TellsSizesAndStrides()
    {
        Tensor t = arange(6).reshape(2, 3).t();
        CollectionAssert.AreEqual(new long[] { 3, 2 }, t.size());
        CollectionAssert.AreEqual(new long[] { 1, 3 }, t.stride());
        Assert.AreEqual(2, t.size(-1));
        Assert.AreEqual(3, t.size(0));
        Assert.AreEqual(3, t.stride(1));
        Assert.AreEqual(2, t.dim());
        Assert.AreEqual(2, t.ndim);
        Assert.AreEqual(2, t.Dimensions);
        Assert.AreEqual(6, t.numel());
        Assert.AreEqual(6, t.NumberOfElements);
        Assert.AreEqual(6, numel(t));
        Assert.AreEqual(8, t.element_size());
        Assert.AreEqual(8, t.ElementSize);
        Assert.IsFalse(t.is_contiguous());
        Assert.IsTrue(t.contiguous().is_contiguous());
        Assert.IsFalse(t.is_floating_point());
        Assert.IsTrue(t.to_type(ScalarType.BFloat16).is_floating_point());
        Assert.AreEqual("[3x2], type = Int64, device = cpu", t.ToString());
        Assert.ThrowsExactly<ExternalException>(() => t.size(2));
    }

    [TestMethod]
    public void Device_OfTensor_IsTheProcessor()
    {
        Tensor t = zeros(1, device: CPU);
        Assert.IsTrue(t.is_cpu());
        Assert.AreEqual(DeviceType.CPU, t.device_type);
        Assert.AreEqual(-1, t.device_index);
        Assert.AreEqual("cpu", t.device.ToString());
        Assert.AreEqual(DeviceType.CPU, device("cpu").type);
        Assert.ThrowsExactly<ArgumentException>(() => new Device("toaster"));
    }

    [TestMethod]
    public void Item_OtherType_IsRefused()
    {
        Tensor single = tensor(1.5f);
        Assert.AreEqual(1.5f, single.item<float>());
        Assert.ThrowsExactly<ArgumentException>(() => single.item<double>());
        Assert.ThrowsExactly<ArgumentException>(() => single.to_type(ScalarType.BFloat16).item<float>());
        Assert.ThrowsExactly<ArgumentException>(() => zeros(2).item<float>());
        Assert.AreEqual((Half)1.5f, single.half().item<Half>());
        Assert.AreEqual(7L, tensor(7L).item<long>());
        Assert.IsTrue(tensor(true).item<bool>());
    }

    [TestMethod]
    public void Conversions_OfOneElement_TakeAnyType()
    {
        Assert.AreEqual(1.5f, tensor(1.5).ToSingle());
        Assert.AreEqual(1.5, tensor(1.5f).bfloat16().ToDouble());
        Assert.AreEqual(3, tensor(3L).ToInt32());
        Assert.AreEqual(3L, tensor(3.9f).ToInt64());
        Assert.IsTrue(tensor(2).ToBoolean());
        Assert.AreEqual(2.5, (double)tensor(2.5f));
        Assert.AreEqual(2.5f, (float)tensor(2.5f));
        Assert.AreEqual(2L, (long)tensor(2));
        Assert.AreEqual(2, (int)tensor(2L));
        Assert.IsTrue((bool)tensor(true));
        Assert.ThrowsExactly<ExternalException>(() => zeros(2).ToScalar());
    }

    [TestMethod]
    public void Scalars_OfEachType_ConvertBack()
    {
        using Scalar real = 2.5f;
        Assert.AreEqual(ScalarType.Float64, real.Type);
        Assert.AreEqual(2.5f, real.ToSingle());
        Assert.AreEqual(2.5, 2.5.ToScalar().ToDouble());
        Assert.AreEqual(2L, 2L.ToScalar().ToInt64());
        Assert.AreEqual(2, 2.ToScalar().ToInt32());
        Assert.AreEqual(2L, 2.5f.ToScalar().ToInt64());
        Assert.IsTrue(true.ToScalar().ToBoolean());
        Scalar[] integers = [(byte)1, (sbyte)1, (short)1];
        Assert.IsTrue(integers.All(s => s.Type == ScalarType.Int64));
        Assert.ThrowsExactly<InvalidOperationException>(() => _ = (Tensor)integers[0]);
        Tensor[] implicits = [1f, 1.0, 1, 1L, true];
        CollectionAssert.AreEqual(
            new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.Int32, ScalarType.Int64, ScalarType.Bool },
            implicits.Select(t => t.dtype).ToArray());
    }

    [TestMethod]
    public void Data_NonContiguous_IsReadInLogicalOrder()
    {
        Tensor t = tensor([1f, 2, 3, 4, 5, 6], [2, 3]).t();
        using var data = t.data<float>();
        CollectionAssert.AreEqual(new float[] { 1, 4, 2, 5, 3, 6 }, data.ToArray());
        CollectionAssert.AreEqual(new float[] { 1, 4, 2, 5, 3, 6 }, data.ToList());
        Assert.AreEqual(6, data.Count);
        Assert.IsFalse(data.IsReadOnly);
        Assert.AreEqual(4f, data[0, 1]);
        Assert.AreEqual(5f, data[3]);
        Assert.AreEqual(6f, ((float[,])data.ToNDArray())[2, 1]);
        var part = new float[4];
        data.CopyTo(part, 1, 4);
        CollectionAssert.AreEqual(new float[] { 0, 3, 6, 0 }, part);
        Assert.ThrowsExactly<IndexOutOfRangeException>(() => data[3, 0]);
        Assert.ThrowsExactly<IndexOutOfRangeException>(() => data[6]);
        Assert.ThrowsExactly<ArgumentException>(() => t.data<int>());
    }

    [TestMethod]
    public void Data_Contiguous_IsWrittenThrough()
    {
        Tensor t = zeros(2, 2);
        t.data<float>()[1, 0] = 5;
        t.data<float>().CopyFrom([1, 2], tensorIndex: 2);
        TensorAssert.AreEqual(t, [2, 2], 0, 0, 1, 2);
        var values = new float[4];
        t.data<float>().CopyTo(values.AsSpan());
        CollectionAssert.AreEqual(new float[] { 0, 0, 1, 2 }, values);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => t.data<float>().CopyTo(values, 0, 5));
    }

    [TestMethod]
    public void Bytes_ContiguousOnly_ReadsAndWritesMemory()
    {
        Tensor t = tensor([1f, 2], [1, 2]);
        CollectionAssert.AreEqual(new byte[] { 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40 }, t.bytes.ToArray());
        t.bytes = new byte[8];
        TensorAssert.AreEqual(t, [1, 2], 0, 0);
        Assert.ThrowsExactly<ArgumentException>(() => t.bytes = new byte[4]);
        Assert.Throws<Exception>(() => _ = eye(2, 3).t().bytes.Length);
    }

    [TestMethod]
    [DataRow(ScalarType.Float16, 1.0009765625, 65504.0)]
    [DataRow(ScalarType.BFloat16, 1.0078125, 3.3895313892515355e38)]
    public void ToType_HalfPrecision_RoundsToNearestEven(ScalarType type, double afterOne, double largest)
    {
        Tensor exact = tensor([1, afterOne, largest]);
        TensorAssert.AreEqual(exact.to_type(type), 1, afterOne, largest);
        double half = (1 + afterOne) / 2;
        Assert.AreEqual(1, tensor(half).to(type).ToDouble());
        Assert.AreEqual(2, tensor(half).to(type).element_size());
        Assert.IsTrue(double.IsInfinity(tensor(largest * 1.01).to(type).ToDouble()));
    }

    [TestMethod]
    public void Conversions_ByEachName_GiveTheirType()
    {
        Tensor t = tensor([1.5f, 0]);
        (Tensor Result, ScalarType Type)[] cases =
        [
            (t.@bool(), ScalarType.Bool), (t.@int(), ScalarType.Int32), (t.@long(), ScalarType.Int64),
            (t.half(), ScalarType.Float16), (t.bfloat16(), ScalarType.BFloat16), (t.@float(), ScalarType.Float32),
            (t.@double(), ScalarType.Float64), (t.type_as(tensor(1L)), ScalarType.Int64),
            (t.to(ScalarType.Int32), ScalarType.Int32), (t.to(tensor(1.0)), ScalarType.Float64),
            (t.to(CPU), ScalarType.Float32), (t.to(ScalarType.Float64, CPU), ScalarType.Float64),
            (t.to("cpu"), ScalarType.Float32), (t.to(DeviceType.CPU), ScalarType.Float32),
            (t.cpu(), ScalarType.Float32),
        ];
        foreach ((Tensor result, ScalarType type) in cases)
        {
            Assert.AreEqual(type, result.dtype);
            Assert.AreEqual(2, result.numel());
        }
        Tensor given = tensor([1f]);
        given.to_type(ScalarType.Int64, disposeAfter: true);
        Assert.IsTrue(given.IsInvalid);
    }
}
