using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Onnx;

namespace Microsoft.ML;

public static class OnnxCatalog
{
    public static OnnxScoringEstimator ApplyOnnxModel(this TransformsCatalog catalog, string[] outputColumnNames,
        string[] inputColumnNames, string modelFile, IDictionary<string, int[]> shapeDictionary,
        int? gpuDeviceId = null, bool fallbackToCpu = false)
    {
        if (gpuDeviceId != null)
            throw new NotSupportedException("This stand-in for Microsoft.ML.OnnxTransformer runs on the CPU only.");
        return new OnnxScoringEstimator(catalog.GetEnvironment(), new OnnxTransformer(
            catalog.GetEnvironment(), outputColumnNames, inputColumnNames, File.ReadAllBytes(modelFile), modelFile,
            shapeDictionary));
    }
}
