namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        /// <summary>Learning rates as functions of the step.</summary>
        public static class lr_scheduler
        {
            public static LRScheduler LambdaLR(
                Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false) =>
                new impl.LambdaLR(optimizer, lr_lambda, last_epoch, verbose);

            /// <summary>Sets the learning rates of an optimizer's groups, one step at a time.</summary>
            public abstract class LRScheduler
            {
                private readonly Optimizer _optimizer;

                private protected int _lastEpoch;
                private protected double[] _baseRates;

                protected LRScheduler(Optimizer optimizer, int last_epoch = -1, bool verbose = false)
                {
                    if (verbose)
                        throw new NotSupportedException("verbose is outside this stand-in.");
                    _optimizer = optimizer;
                    _lastEpoch = last_epoch;
                    if (last_epoch == -1)
                    {
                        foreach (var group in optimizer.ParamGroups)
                            group.InitialLearningRate = group.LearningRate;
                    }
                    _baseRates = [.. optimizer.ParamGroups.Select(group => group.InitialLearningRate)];
                }

                public virtual void step()
                {
                    _lastEpoch++;
                    foreach (var (group, rate) in _optimizer.ParamGroups.Zip(get_lr().ToArray()))
                        group.LearningRate = rate;
                }

                public IEnumerable<double> get_last_lr() => _optimizer.ParamGroups.Select(group => group.LearningRate);

                protected virtual IEnumerable<double> get_lr() =>
                    throw new NotSupportedException("This schedule defines no rates.");
            }

            /// <summary>The schedules.</summary>
            public static class impl
            {
                /// <summary>The initial rate times a function of the step.</summary>
                public class LambdaLR : LRScheduler
                {
                    private readonly Func<int, double> _factor;

                    public LambdaLR(
                        Optimizer optimizer, Func<int, double> lr_lambda, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        _factor = lr_lambda;
                        step();
                    }

                    protected override IEnumerable<double> get_lr() =>
                        _baseRates.Select(rate => rate * _factor(_lastEpoch));
                }
            }
        }
    }
}
