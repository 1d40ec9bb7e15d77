using ML.Pruning.Tool;

namespace ML.Pruning.Tests.Tool;

/// <summary>Errors become one line and an exit code.</summary>
[TestClass]
[DoNotParallelize]
public sealed class FailureTests
{
    [TestMethod]
    public void Guard_LibraryThatDoesNotLoad_IsOneLineThatSaysSo()
    {
        TextWriter before = Console.Error;
        using var errors = new StringWriter();
        Console.SetError(errors);
        try
        {
            // As TorchSharp throws it where libtorch is missing.
            Assert.AreEqual(Failure.Failed, Failure.Guard(() => throw new TypeInitializationException(
                "TorchSharp.torch", new NotSupportedException("No reference to libtorch.\n\nTrace:\n  tried this"))));
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.AreEqual("mlprune: A native library does not load (docs/troubleshooting.md names the causes): "
            + "No reference to libtorch.", errors.ToString().TrimEnd());
    }
}
