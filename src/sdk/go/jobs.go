package lina

// Job is work that the host has the plugin do at set times. What is empty or 0 is left to the host: the time zone Asia/Shanghai,
// all nodes, one run at a time, 300 seconds, the path /@jobs/<name>.
type Job struct {
	Name string
	// Pattern is cron: minute, hour, day of month, month, day of week; with six parts the first is the second.
	Pattern                        string
	DisplayName, Description       string
	Timezone, Scope, Concurrency   string
	MaxConcurrency, TimeoutSeconds int64
	InternalPath                   string
}

const jobsRequestType = "RegisterJobsReq"

type plannedJob struct {
	Job
	requestType string
}

var plannedJobs []plannedJob

// OnJob serves a request type that the host asks for at set times. Call it in init; plugin.yaml must ask for jobs.register.
func OnJob(job Job, requestType string, handler Handler) {
	if len(plannedJobs) == 0 {
		On(jobsRequestType, registerJobs)
	}
	plannedJobs = append(plannedJobs, plannedJob{job, requestType})
	On(requestType, handler)
}

func registerJobs(request *Request) Response {
	for _, planned := range plannedJobs {
		if err := JobsRegister(planned.Job, planned.requestType); err != nil {
			return InternalError("job " + planned.Name + ": " + messageOf(err))
		}
	}
	return JSON(map[string]int{"registered": len(plannedJobs)})
}

func messageOf(err error) string {
	if told, ok := err.(*HostError); ok {
		return told.Message()
	}
	return err.Error()
}

// JobsRegister tells the host of a job. It works only while the host asks for the jobs of the plugin; OnJob does it.
func JobsRegister(job Job, requestType string) error {
	payload := Writer{}
	payload.Text(1, job.Name)
	payload.Text(2, job.DisplayName)
	payload.Text(3, job.Description)
	payload.Text(4, job.Pattern)
	payload.Text(5, job.Timezone)
	payload.Text(6, job.Scope)
	payload.Text(7, job.Concurrency)
	payload.Int(8, job.MaxConcurrency)
	payload.Int(9, job.TimeoutSeconds)
	payload.Text(10, requestType)
	payload.Text(11, job.InternalPath)
	_, err := Invoke(Call{Service: "jobs", Method: "jobs.register", Payload: payload.Bytes})
	return err
}

// HostJob is a job of the host. Group is the id of its group; Status is enabled, disabled or paused_by_plugin.
type HostJob struct{ ID, Name, Group, Status string }

// JobsGetMany gives jobs by id; missing ones are left out.
func JobsGetMany(ids []string) (map[string]HostJob, error) {
	var reply struct{ Items map[string]HostJob }
	err := askJobs("jobs.batch_get", idsOf{ids}, &reply)
	return reply.Items, err
}

// JobQuery says which jobs are listed; what is empty or 0 is no condition.
type JobQuery struct {
	Keyword  string `json:"keyword,omitempty"`
	Group    string `json:"group,omitempty"`
	Status   string `json:"status,omitempty"`
	PageNum  int    `json:"pageNum,omitempty"`
	PageSize int    `json:"pageSize,omitempty"`
}

// JobsList gives a page of the jobs, newest first, and how many there are.
func JobsList(query JobQuery) ([]HostJob, int, error) {
	var reply struct {
		Items []HostJob
		Total int
	}
	err := askJobs("jobs.list", query, &reply)
	return reply.Items, reply.Total, err
}

// JobsEnsureVisible succeeds when the current user may see all of the jobs.
func JobsEnsureVisible(ids []string) error { return askJobs("jobs.visible.ensure", idsOf{ids}, nil) }

// JobsCreate creates a job and gives its id. Members as in the host's documentation: GroupID, Name, CronExpr, ShellCmd, …
func JobsCreate(job map[string]any) (id string, err error) {
	err = askJobs("jobs.create", job, &id)
	return id, err
}

// JobsUpdate replaces a job; members as for JobsCreate.
func JobsUpdate(id string, job map[string]any) error {
	argument := map[string]any{"ID": id}
	for name, value := range job {
		argument[name] = value
	}
	return askJobs("jobs.update", argument, nil)
}

func JobsDelete(id string) error { return askJobs("jobs.delete", jobID{id}, nil) }

// JobsRun runs a job now.
func JobsRun(id string) error { return askJobs("jobs.run", jobID{id}, nil) }

// JobsSetStatus makes a job enabled or disabled.
func JobsSetStatus(id, status string) error {
	argument := struct {
		jobID
		Status string `json:"status"`
	}{jobID{id}, status}
	return askJobs("jobs.status.set", argument, nil)
}

type jobID struct {
	ID string `json:"jobId"`
}

func askJobs(method string, argument, result any) error {
	return InvokeJSON(Call{Service: "jobs", Method: method}, argument, result)
}
