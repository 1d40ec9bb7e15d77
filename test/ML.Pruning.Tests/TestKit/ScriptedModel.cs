using System.Text;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.TestKit;

/// <summary>A model that says a given text: attention and MLP are zero, and the state at position p, which is unit
/// vector p, makes the head choose the text's byte p; after the text, token 2. Every byte is a token, so a prompt of n
/// bytes after BOS is followed by the text from byte n on.</summary>
internal static class ScriptedModel
{
    public static LanguageModel Create(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int size = bytes.Length + 2;
        ModelSpec spec = RandomModel.Llama with
        {
            VocabularySize = 259,
            HiddenSize = size,
            ContextLength = size,
            Positions = PositionKind.Learned,
        };
        var head = new float[spec.VocabularySize * size];
        for (int p = 0; p < size; p++) head[(p < bytes.Length ? bytes[p] + 3 : 2) * size + p] = 1;
        var identity = new float[size * size];
        for (int p = 0; p < size; p++) identity[p * size + p] = 1;
        return new LanguageModel(new LanguageModelContent
        {
            Spec = spec,
            Weights = spec.Parameters().ToDictionary(
                p => p.Name, p => (StoredTensor)new ArrayTensor(p.Name, Values(p), p.Shape, TensorType.F32)),
            ConfigJson = """{ "model_type": "llama" }""",
            Tokenizer = HuggingFaceTokenizer.Parse(Encoding.UTF8.GetBytes(TinyModel.ByteTokenizer())),
        });

        float[] Values(ParameterSpec parameter) => parameter.Name switch
        {
            TensorNames.Head => head,
            TensorNames.PositionEmbedding => identity,
            _ => [.. Enumerable.Repeat(parameter.Role == ParameterRole.Norm ? 1f : 0f, (int)parameter.Count)],
        };
    }
}
