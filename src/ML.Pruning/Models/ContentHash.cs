using System.Security.Cryptography;
using System.Text;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Models;

/// <summary>Identifies a model by what it computes.</summary>
internal static class ContentHash
{
    /// <summary>SHA-256 over the spec and, in the order of the spec, each weight's name, type and dense
    /// bytes.</summary>
    public static string Of(LanguageModel model)
    {
        using var sha = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            stream.Write(Encoding.UTF8.GetBytes(model.Spec.ToJson()));
            foreach (ParameterSpec parameter in model.Spec.Parameters().Concat(model.Spec.AdapterParameters()))
            {
                StoredTensor tensor = model.Weights[parameter.Name];
                stream.Write(Encoding.UTF8.GetBytes($"\n{parameter.Name}:{TensorTypes.Name(tensor.Type)}:"));
                tensor.CopyTo(stream);
            }
        }

        return Convert.ToHexStringLower(sha.Hash!);
    }
}
