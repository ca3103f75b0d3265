package main

import (
	autoscaling "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

var (
	autoscalerInfo = gauge("kube_horizontalpodautoscaler_info", "Information about this autoscaler.",
		"namespace", "horizontalpodautoscaler", "scaletargetref_api_version", "scaletargetref_kind", "scaletargetref_name")
	autoscalerMinimum = gauge("kube_horizontalpodautoscaler_spec_min_replicas", "Fewest replicas.",
		"namespace", "horizontalpodautoscaler")
	autoscalerMaximum = gauge("kube_horizontalpodautoscaler_spec_max_replicas", "Most replicas.",
		"namespace", "horizontalpodautoscaler")
	autoscalerCurrent = gauge("kube_horizontalpodautoscaler_status_current_replicas", "Replicas last seen.",
		"namespace", "horizontalpodautoscaler")
	autoscalerDesired = gauge("kube_horizontalpodautoscaler_status_desired_replicas", "Replicas last wanted.",
		"namespace", "horizontalpodautoscaler")
	autoscalerCondition = gauge("kube_horizontalpodautoscaler_status_condition", "The condition of this autoscaler.",
		"namespace", "horizontalpodautoscaler", "condition", "status")
	autoscalerTarget = gauge("kube_horizontalpodautoscaler_spec_target_metric", "What each metric should be.",
		"namespace", "horizontalpodautoscaler", "metric_name", "metric_target_type", "container")
	autoscalerMetric = gauge("kube_horizontalpodautoscaler_status_target_metric", "What each metric last was.",
		"namespace", "horizontalpodautoscaler", "metric_name", "metric_target_type", "container")
)

func autoscaler(object *autoscaling.HorizontalPodAutoscaler, out series) {
	id := []string{object.Namespace, object.Name}
	with := func(labels ...string) []string { return append(id[:2:2], labels...) }
	target := object.Spec.ScaleTargetRef
	out.add(autoscalerInfo, 1, with(target.APIVersion, target.Kind, target.Name)...)
	minimum := int32(1)
	if object.Spec.MinReplicas != nil {
		minimum = *object.Spec.MinReplicas
	}
	out.add(autoscalerMinimum, float64(minimum), id...)
	out.add(autoscalerMaximum, float64(object.Spec.MaxReplicas), id...)
	out.add(autoscalerCurrent, float64(object.Status.CurrentReplicas), id...)
	out.add(autoscalerDesired, float64(object.Status.DesiredReplicas), id...)
	for _, condition := range object.Status.Conditions {
		out.addStatus(autoscalerCondition, condition.Status, with(string(condition.Type))...)
	}
	add := func(of family, name, container string, value, average *resource.Quantity, utilization *int32) {
		if value != nil {
			out.add(of, value.AsApproximateFloat64(), with(name, "value", container)...)
		}
		if average != nil {
			out.add(of, average.AsApproximateFloat64(), with(name, "average", container)...)
		}
		if utilization != nil {
			out.add(of, float64(*utilization), with(name, "utilization", container)...)
		}
	}
	for _, metric := range object.Spec.Metrics {
		name, container, wanted := specified(metric)
		add(autoscalerTarget, name, container, wanted.Value, wanted.AverageValue, wanted.AverageUtilization)
	}
	for _, metric := range object.Status.CurrentMetrics {
		name, container, current := measured(metric)
		add(autoscalerMetric, name, container, current.Value, current.AverageValue, current.AverageUtilization)
	}
}

func specified(metric autoscaling.MetricSpec) (name, container string, target autoscaling.MetricTarget) {
	switch {
	case metric.Resource != nil:
		return string(metric.Resource.Name), "", metric.Resource.Target
	case metric.ContainerResource != nil:
		return string(metric.ContainerResource.Name), metric.ContainerResource.Container, metric.ContainerResource.Target
	case metric.Pods != nil:
		return metric.Pods.Metric.Name, "", metric.Pods.Target
	case metric.Object != nil:
		return metric.Object.Metric.Name, "", metric.Object.Target
	case metric.External != nil:
		return metric.External.Metric.Name, "", metric.External.Target
	}
	return "", "", autoscaling.MetricTarget{}
}

func measured(metric autoscaling.MetricStatus) (name, container string, current autoscaling.MetricValueStatus) {
	switch {
	case metric.Resource != nil:
		return string(metric.Resource.Name), "", metric.Resource.Current
	case metric.ContainerResource != nil:
		return string(metric.ContainerResource.Name), metric.ContainerResource.Container, metric.ContainerResource.Current
	case metric.Pods != nil:
		return metric.Pods.Metric.Name, "", metric.Pods.Current
	case metric.Object != nil:
		return metric.Object.Metric.Name, "", metric.Object.Current
	case metric.External != nil:
		return metric.External.Metric.Name, "", metric.External.Current
	}
	return "", "", autoscaling.MetricValueStatus{}
}
