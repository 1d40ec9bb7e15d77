using ML.Pruning.Export;
using ML.Pruning.Models;

namespace ML.Pruning.Tests.TestKit;

/// <summary>Opens the models beside the repository.</summary>
internal static class SharedModels
{
    /// <summary>Opens a model; the caller disposes it.</summary>
    public static LanguageModel Open(string name) => HuggingFaceModel.Open(SharedFiles.Model(name));
}
