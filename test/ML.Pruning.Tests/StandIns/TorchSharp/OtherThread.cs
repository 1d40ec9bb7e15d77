namespace ML.Pruning.Tests.StandIns.TorchSharp;

/// <summary>Runs something on a thread of its own; a task might run on the waiting thread.</summary>
internal static class OtherThread
{
    internal static T Run<T>(Func<T> function)
    {
        T result = default!;
        var thread = new Thread(() => result = function());
        thread.Start();
        thread.Join();
        return result;
    }
}
