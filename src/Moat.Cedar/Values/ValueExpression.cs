using System.Collections.Immutable;
using System.Globalization;

namespace Moat.Cedar;

/// <summary>The expression that yields a value.</summary>
internal static class ValueExpression
{
    public static Expression Of(CedarValue value) => value.Kind switch
    {
        CedarKind.Set => new SetExpression([.. value.AsSet()!.Elements.ToArray().Select(Of)]),
        CedarKind.Record => new RecordExpression([.. value.AsRecord()!.Fields.Select(f => KeyValuePair.Create(f.Key, Of(f.Value)))]),
        CedarKind.Ip => Call(ExtensionFunction.Ip, value.AsIp()!.ToString()),
        CedarKind.Decimal when value.TryGetScaled(CedarKind.Decimal, out var number) => Call(ExtensionFunction.Decimal, ValueText.Decimal(number)),
        CedarKind.Duration when value.TryGetScaled(CedarKind.Duration, out var length) => Milliseconds(length),
        CedarKind.DateTime when value.TryGetScaled(CedarKind.DateTime, out var instant) =>
            new CallExpression(ExtensionFunction.Offset, [Call(ExtensionFunction.DateTime, "1970-01-01"), Milliseconds(instant)]),
        _ => new LiteralExpression(value),
    };

    private static CallExpression Milliseconds(long length) => Call(ExtensionFunction.Duration, string.Create(CultureInfo.InvariantCulture, $"{length}ms"));

    private static CallExpression Call(ExtensionFunction function, string text) =>
        new(function, ImmutableArray.Create<Expression>(new LiteralExpression(CedarValue.String(text))));
}
