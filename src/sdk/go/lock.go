package lina

// Lease is a lock that is held, until ExpireAt unless it is renewed. Ticket proves it, and may be kept for another request.
type Lease struct{ Ref, Ticket, ExpireAt string }

// LockAcquire takes a lock that plugin.yaml declares as ref; nil when somebody else holds it. A lease lasts 1 s to 5 min; 0 means 30 s.
func LockAcquire(ref string, leaseMs int64) (*Lease, error) {
	payload := Writer{}
	payload.Int(1, leaseMs)
	reply, err := Invoke(Call{Service: "lock", Method: "acquire", ResourceRef: ref, Payload: payload.Bytes})
	lease, acquired := &Lease{Ref: ref}, false
	reader := NewReader(reply, "lock acquire response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			acquired = reader.Bool("acquired")
		case 2:
			lease.Ticket = reader.Text("ticket")
		case 3:
			lease.ExpireAt = reader.Text("expireAt")
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	if err != nil || !acquired {
		return nil, err
	}
	return lease, nil
}

// Renew holds the lock for another lease from now.
func (l *Lease) Renew() error {
	expireAt, _, err := foundText(l.ask("renew"))
	if err == nil {
		l.ExpireAt = expireAt
	}
	return err
}

func (l *Lease) Release() error {
	_, err := l.ask("release")
	return err
}

func (l *Lease) ask(method string) ([]byte, error) {
	payload := Writer{}
	payload.Text(1, l.Ticket)
	return Invoke(Call{Service: "lock", Method: method, ResourceRef: l.Ref, Payload: payload.Bytes})
}
