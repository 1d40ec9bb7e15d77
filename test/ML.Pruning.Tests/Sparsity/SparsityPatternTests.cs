using ML.Pruning.Sparsity;

namespace ML.Pruning.Tests.Sparsity;

[TestClass]
public class SparsityPatternTests
{
    [TestMethod]
    [DataRow("unstructured")]
    [DataRow("2:4")]
    [DataRow("16:32")]
    [DataRow("block:16x4")]
    public void Parse_LegalText_ComesBack(string text) =>
        Assert.AreEqual(text, SparsityPattern.Parse(text).ToString());

    [TestMethod]
    [DataRow("")]
    [DataRow("4:2")]
    [DataRow("0:4")]
    [DataRow("4:4")]
    [DataRow("2:")]
    [DataRow("-2:4")]
    [DataRow("2:4:8")]
    [DataRow("2:1000")]
    [DataRow("block:16")]
    [DataRow("block:0x4")]
    [DataRow("sparse")]
    public void Parse_IllegalText_ListsTheLegalForms(string text)
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => SparsityPattern.Parse(text));
        StringAssert.Contains(e.Message, $"'{text}'");
        StringAssert.Contains(e.Message, "block:RxC");
    }

    [TestMethod]
    public void ImpliedSparsity_NofM_IsWhatIsNotKept()
    {
        Assert.AreEqual(0.75, SparsityPattern.Parse("1:4").ImpliedSparsity);
        Assert.IsNull(SparsityPattern.Unstructured.ImpliedSparsity);
    }

    [TestMethod]
    public void Equals_SameNumbers_Equal()
    {
        Assert.AreEqual(new NofMPattern(2, 4), SparsityPattern.Parse("2:4"));
        Assert.AreNotEqual<SparsityPattern>(new NofMPattern(2, 4), new NofMPattern(2, 8));
    }
}
