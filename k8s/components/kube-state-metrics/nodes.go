package main

import core "k8s.io/api/core/v1"

var (
	nodeInfo = gauge("kube_node_info", "Information about a cluster node.", "node",
		"kernel_version", "os_image", "container_runtime_version", "kubelet_version", "provider_id", "pod_cidr", "internal_ip")
	nodeCondition     = gauge("kube_node_status_condition", "The condition of a cluster node.", "node", "condition", "status")
	nodeUnschedulable = gauge("kube_node_spec_unschedulable", "Whether the node takes no new pods.", "node")
	nodeAllocatable   = gauge("kube_node_status_allocatable", "What the node has for pods.", "node", "resource", "unit")
)

func node(object *core.Node, out series) {
	address := ""
	for _, each := range object.Status.Addresses {
		if each.Type == core.NodeInternalIP {
			address = each.Address
		}
	}
	system := object.Status.NodeInfo
	out.add(nodeInfo, 1, object.Name, system.KernelVersion, system.OSImage, system.ContainerRuntimeVersion,
		system.KubeletVersion, object.Spec.ProviderID, object.Spec.PodCIDR, address)
	for _, condition := range object.Status.Conditions {
		out.addStatus(nodeCondition, condition.Status, object.Name, string(condition.Type))
	}
	out.add(nodeUnschedulable, number(object.Spec.Unschedulable), object.Name)
	resources(out, nodeAllocatable, object.Status.Allocatable, object.Name)
}
