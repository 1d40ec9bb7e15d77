namespace ML.Pruning.Samples.EmbeddedModel;

/// <summary>Where the embedded model is.</summary>
public static class EmbeddedModelFiles
{
    /// <summary>The Hugging Face folder beside the program.</summary>
    public static string Folder => Path.Combine(AppContext.BaseDirectory, "EmbeddedModel");
}
