package main

import (
	"strconv"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	podInfo = gauge("kube_pod_info", "Information about pod.", "namespace", "pod", "uid",
		"host_ip", "pod_ip", "node", "created_by_kind", "created_by_name", "priority_class", "host_network")
	podCreated  = gauge("kube_pod_created", "Unix creation timestamp.", "namespace", "pod", "uid")
	podDeletion = gauge("kube_pod_deletion_timestamp", "Unix deletion timestamp.", "namespace", "pod", "uid")
	podPhase    = gauge("kube_pod_status_phase", "The pod's current phase.", "namespace", "pod", "uid", "phase")
	podReady    = gauge("kube_pod_status_ready", "Whether the pod is ready to serve requests.",
		"namespace", "pod", "uid", "condition")
	podReadyTime = gauge("kube_pod_status_ready_time", "Unix time at which the pod became ready.", "namespace", "pod", "uid")
	restarts     = counter("kube_pod_container_status_restarts_total", "Restarts of the container.",
		"namespace", "pod", "uid", "container")
	waiting = gauge("kube_pod_container_status_waiting_reason", "Why the container waits.",
		"namespace", "pod", "uid", "container", "reason")
	lastTerminated = gauge("kube_pod_container_status_last_terminated_reason", "Why the container ended the last time.",
		"namespace", "pod", "uid", "container", "reason")
	requests = gauge("kube_pod_container_resource_requests", "What the container requests.",
		"namespace", "pod", "uid", "container", "node", "resource", "unit")
	limits = gauge("kube_pod_container_resource_limits", "What the container is limited to.",
		"namespace", "pod", "uid", "container", "node", "resource", "unit")
)

var phases = []core.PodPhase{core.PodPending, core.PodSucceeded, core.PodFailed, core.PodUnknown, core.PodRunning}

func pod(object *core.Pod, out series) {
	id := []string{object.Namespace, object.Name, string(object.UID)}
	with := func(labels ...string) []string { return append(id[:3:3], labels...) }
	creator := meta.OwnerReference{}
	if owner := meta.GetControllerOf(object); owner != nil {
		creator = *owner
	}
	out.add(podInfo, 1, with(object.Status.HostIP, object.Status.PodIP, object.Spec.NodeName, creator.Kind, creator.Name,
		object.Spec.PriorityClassName, strconv.FormatBool(object.Spec.HostNetwork))...)
	out.add(podCreated, float64(object.CreationTimestamp.Unix()), id...)
	if object.DeletionTimestamp != nil {
		out.add(podDeletion, float64(object.DeletionTimestamp.Unix()), id...)
	}
	for _, phase := range phases {
		out.add(podPhase, number(object.Status.Phase == phase), with(string(phase))...)
	}
	for _, condition := range object.Status.Conditions {
		if condition.Type != core.PodReady {
			continue
		}
		out.addStatus(podReady, condition.Status, id...)
		if condition.Status == core.ConditionTrue {
			out.add(podReadyTime, float64(condition.LastTransitionTime.Unix()), id...)
		}
	}
	for _, status := range object.Status.ContainerStatuses {
		out.add(restarts, float64(status.RestartCount), with(status.Name)...)
		if status.State.Waiting != nil {
			out.add(waiting, 1, with(status.Name, status.State.Waiting.Reason)...)
		}
		if status.LastTerminationState.Terminated != nil {
			out.add(lastTerminated, 1, with(status.Name, status.LastTerminationState.Terminated.Reason)...)
		}
	}
	for _, container := range object.Spec.Containers {
		resources(out, requests, container.Resources.Requests, with(container.Name, object.Spec.NodeName)...)
		resources(out, limits, container.Resources.Limits, with(container.Name, object.Spec.NodeName)...)
	}
}

func resources(out series, of family, list core.ResourceList, labels ...string) {
	if cpu, is := list[core.ResourceCPU]; is {
		out.add(of, cpu.AsApproximateFloat64(), append(labels[:len(labels):len(labels)], "cpu", "core")...)
	}
	if memory, is := list[core.ResourceMemory]; is {
		out.add(of, float64(memory.Value()), append(labels[:len(labels):len(labels)], "memory", "byte")...)
	}
}
