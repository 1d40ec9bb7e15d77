using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference;

[TestClass]
public sealed class EngineFactoryTests
{
    [TestMethod]
    public void Parse_Names_GiveTheKind()
    {
        Assert.AreEqual(EngineKind.Torch, EngineFactory.Parse("torch"));
        Assert.AreEqual(EngineKind.Onnx, EngineFactory.Parse("onnx"));
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => EngineFactory.Parse("tf")).Message, "torch");
    }

    [TestMethod]
    public void Get_Twice_GivesTheSameEngine()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        ILanguageModelEngine engine = EngineFactory.Get(model, EngineKind.Torch);
        Assert.AreEqual("torch", engine.Name);
        Assert.AreSame(engine, EngineFactory.Get(model, EngineKind.Torch));
    }

    [TestMethod]
    public void Get_Auto_IsOnnxWhereTheModelCanBeExported()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        Assert.AreEqual("onnx", EngineFactory.Get(model, EngineKind.Auto).Name);
        Assert.AreSame(EngineFactory.Get(model, EngineKind.Onnx), EngineFactory.Get(model, EngineKind.Auto));
    }

    [TestMethod]
    public void CanExport_SpecWithAnUnknownPart_IsFalse()
    {
        Assert.IsTrue(OnnxModel.CanExport(RandomModel.Llama));
        Assert.IsFalse(OnnxModel.CanExport(RandomModel.Llama with { Norm = (NormKind)77 }));
    }
}
