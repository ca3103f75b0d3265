"""Makes Contour read what an Ingress says to ingress-nginx: time limits, tries and the way to HTTPS.

Envoy can do all of it, but Contour has no words for two things that tries need: another pod for the next one (Envoy may
ask the same one again), and none for POST and PATCH once a pod has had the request (`nginx.go` has the rules, and
docs/decisions/0044-envoy-serves-the-ingress.md the reasons). It has none either for a trace that its caller began: of
those it would go on with one in a hundred too. Nothing else of it is changed.
"""

import shutil
from pathlib import Path

from k8s.cluster import sources

RULES = Path(__file__).with_name("nginx.go")
# As OpenTelemetry's services do: a share of the requests without a trace, and of the others those that are sampled.
_SAMPLER = """func parentBased(percent float64) *envoy_config_core_v3.TypedExtensionConfig {
	return &envoy_config_core_v3.TypedExtensionConfig{
		Name: "envoy.tracers.opentelemetry.samplers.parent_based",
		TypedConfig: protobuf.MustMarshalAny(&envoy_samplers_v3.ParentBasedSamplerConfig{
			WrappedSampler: &envoy_config_core_v3.TypedExtensionConfig{
				Name: "envoy.tracers.opentelemetry.samplers.trace_id_ratio_based",
				TypedConfig: protobuf.MustMarshalAny(&envoy_samplers_v3.TraceIdRatioBasedSamplerConfig{
					SamplingPercentage: &envoy_type_v3.FractionalPercent{
						Numerator:   uint32(percent * 10000),
						Denominator: envoy_type_v3.FractionalPercent_MILLION,
					},
				}),
			},
		}),
	}
}

func customTag("""
# What each change finds once in a file of the module, and what stands there then.
_CHANGES = {
    "internal/dag/ingress_processor.go": {
        "\t\t// should we create port 80 routes for this ingress\n": (
            "\t\troutes := withNginx(ing, rule.Host, r)\n\t\t// should we create port 80 routes for this ingress\n"
        ),
        "\t\t\tvhost.AddRoute(r)\n": "\t\t\tfor _, each := range routes {\n\t\t\t\tvhost.AddRoute(each)\n\t\t\t}\n",
        "\t\t\tsvh.AddRoute(r)\n": "\t\t\tfor _, each := range routes {\n\t\t\t\tsvh.AddRoute(each)\n\t\t\t}\n",
    },
    "internal/envoy/v3/tracing.go": {
        "\t\t\tValue: tracing.OverallSampling,\n": "\t\t\tValue: 100, // the sampler decides\n",
        "\t\t\t\t\tServiceName: tracing.ServiceName,\n": (
            "\t\t\t\t\tServiceName: tracing.ServiceName,\n"
            "\t\t\t\t\tSampler:     parentBased(tracing.OverallSampling),\n"
        ),
        "func customTag(": _SAMPLER,
        "import (\n": (
            "import (\n\tenvoy_samplers_v3 "
            '"github.com/envoyproxy/go-control-plane/envoy/extensions/tracers/opentelemetry/samplers/v3"\n'
            '\tenvoy_config_core_v3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"\n'
        ),
    },
    "internal/envoy/v3/route.go": {
        # 301 otherwise, after which a POST comes back as a GET.
        "\t\t\t\tHttpsRedirect: true,\n\t\t\t},\n": (
            "\t\t\t\tHttpsRedirect: true,\n\t\t\t},\n"
            "\t\t\tResponseCode: envoy_config_route_v3.RedirectAction_PERMANENT_REDIRECT,\n"
        ),
        "\trp.PerTryTimeout = envoy.Timeout(r.RetryPolicy.PerTryTimeout)\n": (
            "\trp.PerTryTimeout = envoy.Timeout(r.RetryPolicy.PerTryTimeout)\n"
            "\trp.HostSelectionRetryMaxAttempts = 5\n"
            "\trp.RetryHostPredicate = []*envoy_config_route_v3.RetryPolicy_RetryHostPredicate{{\n"
            '\t\tName: "envoy.retry_host_predicates.previous_hosts",\n'
            "\t\tConfigType: &envoy_config_route_v3.RetryPolicy_RetryHostPredicate_TypedConfig{\n"
            "\t\t\tTypedConfig: protobuf.MustMarshalAny(&envoy_retry_previous_hosts_v3.PreviousHostsPredicate{}),\n"
            "\t\t},\n"
            "\t}}\n"
        ),
        "import (\n": (
            "import (\n\tenvoy_retry_previous_hosts_v3 "
            '"github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"\n'
        ),
    },
}


def trim(module: Path, target: Path) -> None:
    """Copy Contour's module to `target` with these changes.

    Raises:
        ValueError: the source no longer has the shape this expects; says where.
    """
    sources.copy(module, target)
    for name, changes in _CHANGES.items():
        path = target / name
        text = path.read_text(encoding="utf-8")
        for found, there in changes.items():
            if text.count(found) != 1:
                message = (
                    f"Contour's {name} has {text.count(found)} times what was there once, {found!r}: update {__file__}"
                )
                raise ValueError(message)
            text = text.replace(found, there)
        path.write_text(text, encoding="utf-8")
    shutil.copyfile(RULES, target / "internal/dag" / RULES.name)
