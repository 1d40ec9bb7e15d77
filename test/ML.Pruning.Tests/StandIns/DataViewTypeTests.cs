using System.Collections.Immutable;
using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class DataViewTypeTests
{
    [TestMethod]
    public void VectorType_SameItemAndDimensions_AreEqual()
    {
        var a = new VectorDataViewType(NumberDataViewType.Single, 2, 3);
        var b = new VectorDataViewType(NumberDataViewType.Single, ImmutableArray.Create(2, 3));

        Assert.AreEqual(a, b);
        Assert.AreEqual(a.GetHashCode(), b.GetHashCode());
        Assert.AreEqual(6, a.Size);
        Assert.AreEqual(typeof(VBuffer<float>), a.RawType);
        Assert.AreNotEqual(a, new VectorDataViewType(NumberDataViewType.Single, 6));
        Assert.AreNotEqual(a, new VectorDataViewType(NumberDataViewType.Double, 2, 3));
    }

    [TestMethod]
    public void VectorType_UnknownDimension_HasNoKnownSize()
    {
        var type = new VectorDataViewType(NumberDataViewType.Single, 0, 3);

        Assert.IsFalse(type.IsKnownSize);
        Assert.AreEqual("Vector<Single, *, 3>", type.ToString());
        Assert.AreEqual("Vector<Single>", new VectorDataViewType(NumberDataViewType.Single).ToString());
        Assert.AreEqual("Vector<Single, 4>", new VectorDataViewType(NumberDataViewType.Single, 4).ToString());
    }

    [TestMethod]
    public void VectorType_IllegalArguments_Throw()
    {
        Assert.ThrowsExactly<ArgumentNullException>(() => new VectorDataViewType(null, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VectorDataViewType(NumberDataViewType.Single, -1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => new VectorDataViewType(NumberDataViewType.Single, Array.Empty<int>()));
        Assert.ThrowsExactly<OverflowException>(
            () => new VectorDataViewType(NumberDataViewType.Single, 1 << 16, 1 << 16));
    }

    [TestMethod]
    public void KeyType_CountOutsideTheRawType_Throws()
    {
        Assert.AreEqual("Key<UInt32, 0-9>", new KeyDataViewType(typeof(uint), 10).ToString());
        Assert.AreEqual(new KeyDataViewType(typeof(byte), 255), new KeyDataViewType(typeof(byte), 255UL));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(byte), 256));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(uint), 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(int), 10));
    }

    [TestMethod]
    public void RowId_NextForkCombine_FollowMurmurHash()
    {
        var zero = default(DataViewRowId);

        // One block (0, 0) from the zero state: low = 0 * 5 + 0x52dce729, high = low * 5 + 0x38495ab5.
        DataViewRowId next = zero.Next();
        Assert.AreEqual(0x52dce729UL, next.Low);
        Assert.AreEqual(0x52dce729UL * 5 + 0x38495ab5, next.High);
        Assert.AreEqual(next.High, zero.Fork().High);
        Assert.AreNotEqual(next.Low, zero.Fork().Low);
        Assert.AreNotEqual(next.Combine(zero), zero.Combine(next));
        Assert.AreEqual("000000000000000100000000000000ff", new DataViewRowId(255, 1).ToString());
        Assert.IsLessThan(0, new DataViewRowId(9, 1).CompareTo(new DataViewRowId(0, 2)));
    }

    [TestMethod]
    public void RowId_ThousandSteps_AreDistinct()
    {
        var seen = new HashSet<DataViewRowId>();
        DataViewRowId id = default;
        for (int i = 0; i < 1000; i++, id = id.Next())
        {
            Assert.IsTrue(seen.Add(id));
            Assert.IsTrue(seen.Add(id.Fork()));
        }
    }
}
